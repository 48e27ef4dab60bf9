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
param callerPrincipalIds array = []

var readRoleId = guid(name, 'Outrider.Read')
var useRoleId = guid(name, 'Outrider.Use')
var sweepRoleId = guid(name, 'Outrider.Sweep')
var readers = empty(readersGroupId) ? [] : [{ id: readersGroupId, role: readRoleId }]
var operators = empty(operatorsGroupId) ? [] : [{ id: operatorsGroupId, role: sweepRoleId }]
var analysts = concat(empty(analystsGroupId) ? [] : [analystsGroupId], callerPrincipalIds)
var users = concat(readers, map(analysts, id => { id: id, role: useRoleId }), operators)

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: name
  displayName: 'Outrider (${name})'
  signInAudience: 'AzureADMyOrg'
  identifierUris: [audience]
  api: { requestedAccessTokenVersion: 2 }
  appRoles: [
    {
      id: readRoleId
      value: 'Outrider.Read'
      displayName: 'Read Outrider'
      description: 'Read runs and what they found.'
      allowedMemberTypes: ['User', 'Application']
      isEnabled: true
    }
    {
      id: useRoleId
      value: 'Outrider.Use'
      displayName: 'Use Outrider'
      description: 'Start runs and read what they found.'
      allowedMemberTypes: ['User', 'Application']
      isEnabled: true
    }
    {
      id: sweepRoleId
      value: 'Outrider.Sweep'
      displayName: 'Sweep with Outrider'
      description: 'Start sweeps of the whole fleet and the self-test, and all that Outrider.Use allows.'
      allowedMemberTypes: ['User', 'Application']
      isEnabled: true
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
  audiences: ['api://AzureADTokenExchange']
}

resource enterpriseApplication 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  // Entra issues no token to anybody who is not assigned below.
  appRoleAssignmentRequired: true
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
