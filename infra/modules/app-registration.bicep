metadata name = 'App registration'
metadata description = 'What Entra ID knows the app by: a registration that trusts the app\'s identity in place of a secret, and who may use it.'

extension microsoftGraphV1

@description('Required. The unique name of the registration.')
param name string

@description('Required. The audience of its tokens: api://, the tenant\'s id, a name.')
param audience string

@description('Required. The name that callers reach the app by.')
param hostName string

@description('Required. The object id of the app\'s identity.')
param principalId string

@description('Optional. The object id of the group that may open reports, and no more.')
param readersGroupId string = ''

@description('Optional. The object id of the group of analysts, who may open reports and start runs.')
param analystsGroupId string = ''

@description('Optional. The object id of the group that may start sweeps and the self-test besides.')
param operatorsGroupId string = ''

@description('Optional. The object ids of the identities, as of playbooks, that may call the app.')
param callerPrincipalIds string[] = []

@description('Optional. The client ids of programs, such as az, that get tokens for whoever is assigned, without anybody\'s consent.')
param clientIds string[] = []

// Microsoft Graph itself, which has this application id in every tenant.
var graphAppId = '00000003-0000-0000-c000-000000000000'

// Microsoft Graph permissions reference: what a sign-in asks for, the ids of the delegated permissions.
var signInScopes = [
  { name: 'openid', id: '37f7f235-527c-4136-accd-4a02d197296e' }
  { name: 'profile', id: '14dad69e-099b-42c9-810b-d002981feec1' }
  { name: 'email', id: '64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0' }
]

// Learn, "Configure an application to trust a managed identity": what the identity's token is for, by cloud. Another
// cloud, such as China's, stops the deployment: its Graph has no hunting.
var exchangeAudiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
}

// The roles, by the names that the app asks for; DEPLOYMENT.md gives the same file to who makes a registration by hand.
var roles = loadJsonContent('../app-roles.json')
var roleIds = toObject(roles, role => role.value, role => guid(name, role.value))
var asUserId = guid(name, 'user_impersonation')
var readers = empty(readersGroupId) ? [] : [{ id: readersGroupId, role: roleIds['Outrider.Read'] }]
var operators = empty(operatorsGroupId) ? [] : [{ id: operatorsGroupId, role: roleIds['Outrider.Sweep'] }]
var analysts = concat(empty(analystsGroupId) ? [] : [analystsGroupId], callerPrincipalIds)
var users = concat(readers, map(analysts, id => { id: id, role: roleIds['Outrider.Use'] }), operators)

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: name
  displayName: 'Outrider (${name})'
  signInAudience: 'AzureADMyOrg'
  identifierUris: [audience]
  api: {
    requestedAccessTokenVersion: 2
    // There whether or not it is used: Entra deletes no scope that is enabled, and so none that a deployment leaves out.
    oauth2PermissionScopes: [
      {
        id: asUserId
        value: 'user_impersonation'
        type: 'Admin'
        adminConsentDisplayName: 'Call Outrider'
        adminConsentDescription: 'Call Outrider as whoever is signed in, with the roles that they have.'
        isEnabled: true
      }
    ]
    preAuthorizedApplications: map(clientIds, id => { appId: id, delegatedPermissionIds: [asUserId] })
  }
  appRoles: map(roles, role => union(role, { id: roleIds[role.value] }))
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: map(signInScopes, each => { id: each.id, type: 'Scope' })
    }
  ]
  web: {
    redirectUris: ['https://${hostName}/.auth/login/aad/callback']
    implicitGrantSettings: { enableIdTokenIssuance: true }
  }
}

// The extension ties a child to its parent by this name alone.
resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${application.uniqueName}/managed-identity'
  description: 'The identity of the function app, which signs users in without a secret.'
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: principalId
  audiences: [exchangeAudiences[environment().name]]
}

resource enterpriseApplication 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  // Entra issues no token to anybody who is not assigned below.
  appRoleAssignmentRequired: true
}

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: graphAppId
}

// Where assignment is required, nobody may consent for himself: without this only an administrator could sign in.
resource consent 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: enterpriseApplication.id
  consentType: 'AllPrincipals'
  resourceId: graph.id
  scope: join(map(signInScopes, each => each.name), ' ')
}

resource assignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for user in users: {
    appRoleId: user.role
    principalId: user.id
    resourceId: enterpriseApplication.id
  }
]

@description('The client id of the registration.')
output clientId string = application.appId
