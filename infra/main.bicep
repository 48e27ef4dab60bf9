metadata name = 'Outrider'
metadata description = 'Everything that Outrider runs on, in one resource group: identity, rights, monitoring, network, storage, app, playbooks, sign-in.'

targetScope = 'resourceGroup'

@minLength(1)
@maxLength(64)
@description('Required. The name of the environment, as azd calls it; one resource group may hold several.')
param environmentName string

@description('Optional. The region.')
param location string = resourceGroup().location

@minLength(2)
@maxLength(9)
@description('Optional. What the names of the resources begin with: lower-case letters and digits.')
param namePrefix string = 'outrider'

@allowed(['global', 'usgov', 'usgovdod'])
@description('Optional. The cloud whose Graph is asked.')
param azureCloud string = environment().name == 'AzureUSGovernment' ? 'usgov' : 'global'

@allowed(['on', 'off'])
@description('Optional. Whether findings are written on incidents; off does everything else, for a trial.')
param comments string = 'off'

@minValue(1)
@maxValue(365)
@description('Optional. For how many days runs and what they found are kept.')
param findingsDays int = 30

@description('Optional. More of Outrider\'s settings, by the names of the README: { IGNORE_INDICATORS: \'192.0.2.0/24\' }. { \'AzureWebJobs.WatchIncidents.Disabled\': \'true\' } switches the watch off, and its alert.')
param settings object = {}

@minValue(1)
@maxValue(1000)
@description('Optional. The most instances of each function that run at once. One is enough for one tenant: Graph\'s quota is the ceiling. A region that refuses less than 40 takes 40.')
param maximumInstanceCount int = 1

@description('Optional. Spread storage and instances over the zones of the region, where it has them.')
param zoneRedundant bool = false

@description('Optional. Put the app in a virtual network, and storage behind private endpoints.')
param vnet bool = false

@allowed(['entra', 'key'])
@description('Optional. How callers prove who they are: Entra ID, or function keys where no registration can be had.')
param httpAuth string = 'entra'

@description('Optional. The client id of a registration made beforehand, where the deployer may not make one.')
param existingClientId string = ''

@description('Optional. The object id of the group that may open reports, and no more: Outrider.Read.')
param readersGroupId string = ''

@description('Optional. The object id of the group of analysts, who may open reports and start runs: Outrider.Use.')
param analystsGroupId string = ''

@description('Optional. The object id of the group that may start sweeps and the self-test besides: Outrider.Sweep.')
param operatorsGroupId string = ''

@description('Optional. The object ids of further identities that may start runs, besides the playbooks deployed here: Outrider.Use.')
param callerPrincipalIds array = []

@description('Optional. The client ids of the applications that may call; with none, whoever is assigned to the registration.')
param callerClientIds array = []

@description('Optional. Assign the two Graph roles here; false where somebody else does, or where the cloud is not the global one.')
param grantGraphRoles bool = true

@description('Optional. The resource id of a Sentinel workspace whose incidents are commented.')
param sentinelWorkspaceId string = ''

@description('Optional. The resource ids of more such workspaces; the playbooks are for the first alone.')
param furtherSentinelWorkspaceIds array = []

@description('Optional. Deploy the playbooks: for incidents and entities with a Sentinel workspace, and the example of a callout. They need httpAuth entra.')
param deployPlaybooks bool = false

@description('Optional. The object id, in this tenant, of the enterprise application Azure Security Insights; with it, Sentinel starts the playbook for incidents by itself.')
param securityInsightsPrincipalId string = ''

@description('Optional. When Sentinel starts it: Created, Updated, or both.')
param incidentTriggers array = ['Created', 'Updated']

@description('Optional. The address that alerts are mailed to.')
param alertEmail string = ''

var token = uniqueString(resourceGroup().id, environmentName)
var appName = 'func-${namePrefix}-${token}'
var tags = { 'azd-env-name': environmentName }
var storageServices = ['blob', 'queue']

var signIn = httpAuth == 'entra'
var makeRegistration = signIn && empty(existingClientId)
var withPlaybooks = deployPlaybooks && signIn
var audience = makeRegistration ? 'api://${tenant().tenantId}/${appName}' : 'api://${existingClientId}'

// A module's scope is worked out even where its condition is false: it needs some id to take apart.
var noWorkspaceId = '${resourceGroup().id}/providers/Microsoft.OperationalInsights/workspaces/none'
var workspaceIds = concat(empty(sentinelWorkspaceId) ? [] : [sentinelWorkspaceId], furtherSentinelWorkspaceIds)
var sentinel = split(empty(sentinelWorkspaceId) ? noWorkspaceId : sentinelWorkspaceId, '/')

module identity './modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${namePrefix}-${token}'
    location: location
    tags: tags
  }
}

// Before the app: the platform keeps a token, and the roles in it, for a day.
module graphRoles './modules/graph-roles.bicep' = if (grantGraphRoles) {
  name: 'graph-roles'
  params: {
    principalId: identity.outputs.principalId
  }
}

module sentinelRole './modules/sentinel-role.bicep' = if (!empty(sentinelWorkspaceId)) {
  name: 'sentinel-role-${token}'
  scope: resourceGroup(sentinel[2], sentinel[4])
  params: {
    workspaceName: sentinel[8]
    principalId: identity.outputs.principalId
  }
}

module furtherSentinelRoles './modules/sentinel-role.bicep' = [
  for id in furtherSentinelWorkspaceIds: {
    name: 'sentinel-role-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      workspaceName: split(id, '/')[8]
      principalId: identity.outputs.principalId
    }
  }
]

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${namePrefix}-${token}'
    insightsName: 'appi-${namePrefix}-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module network './modules/network.bicep' = if (vnet) {
  name: 'network'
  params: {
    name: 'vnet-${namePrefix}-${token}'
    location: location
    tags: tags
    services: storageServices
  }
}

module storage './modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('st${namePrefix}${token}', 24)
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    queueNames: ['urgent', 'runs', 'sweeps']
    findingsDays: findingsDays
    zoneRedundant: zoneRedundant
    endpointSubnetId: vnet ? network!.outputs.endpointSubnetId : ''
    services: storageServices
    zoneIds: vnet ? network!.outputs.zoneIds : []
  }
}

module functionApp './modules/function-app.bicep' = {
  name: 'function-app'
  params: {
    name: appName
    planName: 'plan-${namePrefix}-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    insightsName: monitoring.outputs.insightsName
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    subnetId: vnet ? network!.outputs.appSubnetId : ''
    settings: union(settings, {
      AZURE_CLOUD: azureCloud
      COMMENTS: comments
      FINDINGS_DAYS: string(findingsDays)
      HTTP_AUTH: httpAuth
      SENTINEL_WORKSPACE: join(workspaceIds, ',')
    })
  }
  dependsOn: [graphRoles, sentinelRole, furtherSentinelRoles]
}

module playbooks './playbooks/playbooks.bicep' = if (withPlaybooks) {
  name: 'playbooks'
  params: {
    namePrefix: take('${namePrefix}-${environmentName}', 40)
    location: location
    tags: tags
    functionAppUrl: 'https://${functionApp.outputs.hostName}'
    apiAudience: audience
    sentinelWorkspaceId: sentinelWorkspaceId
    securityInsightsPrincipalId: securityInsightsPrincipalId
    incidentTriggers: incidentTriggers
    callout: true
  }
}

// After the app, whose host name it needs. Until then the app takes function keys alone: it fails closed.
module appRegistration './modules/app-registration.bicep' = if (makeRegistration) {
  name: 'app-registration'
  params: {
    name: appName
    audience: audience
    hostName: functionApp.outputs.hostName
    principalId: identity.outputs.principalId
    readersGroupId: readersGroupId
    analystsGroupId: analystsGroupId
    operatorsGroupId: operatorsGroupId
    callerPrincipalIds: concat(callerPrincipalIds, withPlaybooks ? [playbooks!.outputs.principalId] : [])
  }
}

module authentication './modules/authentication.bicep' = if (signIn) {
  name: 'authentication'
  params: {
    appName: functionApp.outputs.name
    clientId: makeRegistration ? appRegistration!.outputs.clientId : existingClientId
    audience: audience
    callerClientIds: empty(callerClientIds) ? [] : concat(callerClientIds, withPlaybooks ? [playbooks!.outputs.clientId] : [])
  }
}

module alerts './modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    namePrefix: '${namePrefix}-${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    alertEmail: alertEmail
    watched: !contains(['true', '1'], toLower(settings[?'AzureWebJobs.WatchIncidents.Disabled'] ?? ''))
  }
}

module workbook './modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    tags: tags
    displayName: 'Outrider (${environmentName})'
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('The name of the function app.')
output functionAppName string = functionApp.outputs.name

@description('The root of the app\'s address.')
output functionAppUrl string = 'https://${functionApp.outputs.hostName}'

@description('The audience that a playbook asks its token for; empty with function keys.')
output audience string = signIn ? audience : ''

@description('The client id of the registration; empty with function keys.')
output registrationClientId string = makeRegistration ? appRegistration!.outputs.clientId : existingClientId

@description('The object id of the identity, to which the Graph roles belong.')
output identityPrincipalId string = identity.outputs.principalId

@description('The client id of the identity.')
output identityClientId string = identity.outputs.clientId

@description('The name of the storage account.')
output storageAccountName string = storage.outputs.name

@description('The name of the resource group.')
output resourceGroupName string = resourceGroup().name
