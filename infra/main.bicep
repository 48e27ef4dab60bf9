metadata name = 'Outrider'
metadata description = 'Everything that Outrider runs on, in one resource group: identity, rights, monitoring, network, storage, app, playbooks, sign-in.'

targetScope = 'resourceGroup'

import { incidentTriggerType, settingsType } from 'types.bicep'

@minLength(1)
@maxLength(64)
@description('Required. The name of the environment, as azd calls it; one resource group may hold several.')
param environmentName string

@description('Optional. The region; empty for that of the resource group.')
param location string = ''

@minLength(2)
@maxLength(9)
@description('Optional. What the names of the resources begin with: lower-case letters and digits.')
param namePrefix string = 'outrider'

@allowed(['', 'global', 'usgov', 'usgovdod'])
@description('Optional. The cloud whose Graph is asked; empty for usgov in Azure Government, and global elsewhere.')
param azureCloud string = ''

@allowed(['on', 'off'])
@description('Optional. Whether findings are written on incidents; off does everything else, for a trial.')
param comments string = 'off'

@minValue(1)
@maxValue(365)
@description('Optional. For how many days runs and what they found are kept.')
param findingsDays int = 30

@description('Optional. More of Outrider\'s settings, by the names of the README: { IGNORE_INDICATORS: \'192.0.2.0/24\' }. { \'AzureWebJobs.WatchIncidents.Disabled\': \'true\' } switches the watch off, and its alert.')
param settings settingsType = {}

@minValue(1)
@maxValue(1000)
@description('Optional. The most instances that run at once. One is enough for one tenant; HUNTS_PER_MINUTE holds for all of them together. Regions that refuse less than 40 take 40.')
param maximumInstanceCount int = 40

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

@description('Optional. Let that group also read the storage account in the portal: run records, findings, poison queues.')
param operatorsReadStorage bool = false

@description('Optional. The object ids of further identities that may start runs, besides the playbooks deployed here: Outrider.Use.')
param callerPrincipalIds string[] = []

@description('Optional. The client ids of the applications that may call; with none, whoever is assigned to the registration.')
param callerClientIds string[] = []

@description('Optional. Let az get tokens for whoever is assigned to the registration, so that people may call from a shell.')
param callsFromAz bool = false

@description('Optional. Assign the two Graph roles here; false where somebody else does.')
param grantGraphRoles bool = true

@description('Optional. The resource id of a Sentinel workspace whose incidents are commented.')
param sentinelWorkspaceId string = ''

@description('Optional. The resource ids of more such workspaces; the playbooks are for the first alone.')
param furtherSentinelWorkspaceIds string[] = []

@description('Optional. Assign Microsoft Sentinel Responder on those workspaces here; false where somebody else does, and nothing is then deployed into their resource groups for it.')
param assignSentinelRole bool = true

@description('Optional. Deploy the playbooks: for incidents and entities with a Sentinel workspace, and the example of a callout. They need httpAuth entra.')
param deployPlaybooks bool = false

@description('Optional. The object id, in this tenant, of the enterprise application Azure Security Insights; with it, Sentinel starts the playbook for incidents by itself.')
param securityInsightsPrincipalId string = ''

@description('Optional. Let Sentinel start the playbooks of this resource group, with that application; false where it may do so already.')
param assignAutomationRole bool = true

@description('Optional. When Sentinel starts it: Created, Updated, or both.')
param incidentTriggers incidentTriggerType[] = ['Created', 'Updated']

@description('Optional. The address that alerts are mailed to.')
param alertEmail string = ''

// A storage account's name takes nothing else, and no decorator says so: this stops before anything is made.
var letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
var oddLetters = filter(range(0, length(namePrefix)), at => !contains(letters, substring(namePrefix, at, 1)))
var refusal = 'namePrefix takes lower-case letters and digits alone: ${namePrefix}'
var prefix = empty(oddLetters) ? namePrefix : fail(refusal)

// Every name holds it, and none the environment's name, in which azd takes what Azure does not: '.', '(', 64 letters.
var token = uniqueString(resourceGroup().id, environmentName)
var appName = 'func-${prefix}-${token}'
var insightsName = 'appi-${prefix}-${token}'
var workspaceName = 'log-${prefix}-${token}'
var tags = { 'azd-env-name': environmentName }
var region = empty(location) ? resourceGroup().location : location
var cloud = !empty(azureCloud) ? azureCloud : environment().name == 'AzureUSGovernment' ? 'usgov' : 'global'
var storageServices = ['blob', 'queue']

var signIn = httpAuth == 'entra'
var makeRegistration = signIn && empty(existingClientId)
var withPlaybooks = deployPlaybooks && signIn
var audience = makeRegistration ? 'api://${tenant().tenantId}/${appName}' : 'api://${existingClientId}'

// A module's scope is worked out even where its condition is false: it needs some id to take apart.
var noWorkspaceId = '${resourceGroup().id}/providers/Microsoft.OperationalInsights/workspaces/none'
var workspaceIds = concat(empty(sentinelWorkspaceId) ? [] : [sentinelWorkspaceId], furtherSentinelWorkspaceIds)
var assignsResponder = assignSentinelRole && !empty(sentinelWorkspaceId)
var sentinel = split(assignsResponder ? sentinelWorkspaceId : noWorkspaceId, '/')

module identity './modules/identity.bicep' = {
  params: {
    name: 'id-${prefix}-${token}'
    location: region
    tags: tags
  }
}

// Before the app: the platform keeps a token, and the roles in it, for a day. After storage: Entra takes a minute or two
// to know a new identity everywhere.
module graphRoles './modules/graph-roles.bicep' = if (grantGraphRoles) {
  params: {
    principalId: identity.outputs.principalId
  }
  dependsOn: [monitoring, storage]
}

// These two are named: generated names repeat where a deployment's name does, and those groups are not ours alone.
module sentinelRole './modules/sentinel-role.bicep' = if (assignsResponder) {
  name: 'sentinel-role-${token}'
  scope: resourceGroup(sentinel[2], sentinel[4])
  params: {
    workspaceName: sentinel[8]
    principalId: identity.outputs.principalId
  }
}

module furtherSentinelRoles './modules/sentinel-role.bicep' = [
  for id in (assignSentinelRole ? furtherSentinelWorkspaceIds : []): {
    name: 'sentinel-role-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      workspaceName: split(id, '/')[8]
      principalId: identity.outputs.principalId
    }
  }
]

module monitoring './modules/monitoring.bicep' = {
  params: {
    workspaceName: workspaceName
    insightsName: insightsName
    location: region
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module network './modules/network.bicep' = if (vnet) {
  params: {
    name: 'vnet-${prefix}-${token}'
    location: region
    tags: tags
    services: storageServices
  }
}

module storage './modules/storage.bicep' = {
  params: {
    name: take('st${prefix}${token}', 24)
    location: region
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    queueNames: ['urgent', 'runs', 'sweeps']
    findingsDays: findingsDays
    readersGroupId: operatorsReadStorage ? operatorsGroupId : ''
    zoneRedundant: zoneRedundant
    endpointSubnetId: vnet ? network!.outputs.endpointSubnetId : ''
    services: storageServices
    zoneIds: vnet ? network!.outputs.zoneIds : []
  }
}

module functionApp './modules/function-app.bicep' = {
  params: {
    name: appName
    planName: 'plan-${prefix}-${token}'
    location: region
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    insightsName: insightsName
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    subnetId: vnet ? network!.outputs.appSubnetId : ''
    settings: union(settings, {
      AZURE_CLOUD: cloud
      COMMENTS: comments
      FINDINGS_DAYS: string(findingsDays)
      HTTP_AUTH: httpAuth
      SENTINEL_WORKSPACE: join(workspaceIds, ',')
    })
  }
  dependsOn: [graphRoles, sentinelRole, furtherSentinelRoles]
}

module playbooks './playbooks/playbooks.bicep' = if (withPlaybooks) {
  params: {
    namePrefix: '${prefix}-${token}'
    location: region
    tags: tags
    functionAppUrl: 'https://${functionApp.outputs.hostName}'
    apiAudience: audience
    sentinelWorkspaceId: sentinelWorkspaceId
    assignSentinelRole: assignSentinelRole
    assignAutomationRole: assignAutomationRole
    securityInsightsPrincipalId: securityInsightsPrincipalId
    incidentTriggers: incidentTriggers
    callout: true
  }
}

// After the app, whose host name it needs. Until then the app takes function keys alone: it fails closed.
module appRegistration './modules/app-registration.bicep' = if (makeRegistration) {
  params: {
    name: appName
    audience: audience
    hostName: functionApp.outputs.hostName
    principalId: identity.outputs.principalId
    readersGroupId: readersGroupId
    analystsGroupId: analystsGroupId
    operatorsGroupId: operatorsGroupId
    callerPrincipalIds: concat(callerPrincipalIds, withPlaybooks ? [playbooks!.outputs.principalId] : [])
    clientIds: shells
  }
}

// Learn, "Verify first-party Microsoft applications in sign-in reports": the Azure CLI.
var shells = callsFromAz ? ['04b07795-8ddb-461a-bbee-02f9e1bf7b46'] : []
var playbookClients = withPlaybooks ? [playbooks!.outputs.clientId] : []

module authentication './modules/authentication.bicep' = if (signIn) {
  params: {
    appName: functionApp.outputs.name
    clientId: makeRegistration ? appRegistration!.outputs.clientId : existingClientId
    audience: audience
    callerClientIds: empty(callerClientIds) ? [] : concat(callerClientIds, playbookClients, shells)
  }
}

module alerts './modules/alerts.bicep' = {
  params: {
    namePrefix: '${prefix}-${token}'
    environmentName: environmentName
    location: region
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    alertEmail: alertEmail
    watched: !contains(['true', '1'], toLower(settings[?'AzureWebJobs.WatchIncidents.Disabled'] ?? ''))
  }
}

module workbook './modules/workbook.bicep' = {
  params: {
    location: region
    tags: tags
    displayName: 'Outrider (${environmentName})'
    workspaceId: resourceId('Microsoft.OperationalInsights/workspaces', workspaceName)
  }
  dependsOn: [monitoring]
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
