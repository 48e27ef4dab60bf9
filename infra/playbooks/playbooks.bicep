metadata name = 'Playbooks'
metadata description = 'Logic Apps that call Outrider as their own identity: for an incident of Sentinel, for one entity, and for any other Logic App. All of them optional; they need Entra ID in front of the app.'

import { incidentTriggerType, tagsType } from '../types.bicep'

// A workflow's name is at most 43 characters long: ten of them are '-file-hash'.
@minLength(1)
@maxLength(33)
@description('Required. What the names of the playbooks begin with.')
param namePrefix string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The root of the app\'s address, without a slash at its end.')
param functionAppUrl string

@description('Required. The audience of the app\'s tokens: the application ID URI of its registration.')
param apiAudience string

@description('Optional. The resource id of the Log Analytics workspace that holds Sentinel; without one, no playbook for incidents and entities.')
param sentinelWorkspaceId string = ''

@description('Optional. Assign Microsoft Sentinel Responder on that workspace here; false where somebody else does.')
param assignSentinelRole bool = true

@description('Optional. Let Sentinel start the playbooks of this resource group; false where it may do so already.')
param assignAutomationRole bool = true

@description('Optional. The object id, in this tenant, of the enterprise application Azure Security Insights, as which Sentinel starts playbooks; without it, nothing is started by itself.')
param securityInsightsPrincipalId string = ''

@description('Optional. When Sentinel runs the playbook for incidents by itself: Created, Updated (by new alerts), both, or never.')
param incidentTriggers incidentTriggerType[] = ['Created', 'Updated']

@description('Optional. Deploy the example that other Logic Apps call.')
param callout bool = false

var hasSentinel = !empty(sentinelWorkspaceId)
var entities = hasSentinel ? items(loadJsonContent('entities.json')) : []
var assignsResponder = hasSentinel && assignSentinelRole
var startsByItself = hasSentinel && !empty(securityInsightsPrincipalId)

// A module's scope is worked out even where its condition is false: it needs some id to take apart.
var noWorkspaceId = '${resourceGroup().id}/providers/Microsoft.OperationalInsights/workspaces/none'
var roleWorkspace = split(assignsResponder ? sentinelWorkspaceId : noWorkspaceId, '/')
var ruleWorkspace = split(startsByItself ? sentinelWorkspaceId : noWorkspaceId, '/')

// Azure built-in roles: what lets Sentinel start the playbooks of a resource group.
var microsoftSentinelAutomationContributor = 'f4c81013-99ee-4d62-a7ee-b3f1f648599a'

// One identity for all, and not one each: it is there before the playbooks, so that it can be assigned to the app's
// registration before the first call, and it stays the same when a playbook is made anew.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${namePrefix}-playbooks'
  location: location
  tags: tags
}

var workflowIdentity = {
  type: 'UserAssigned'
  userAssignedIdentities: { '${identity.id}': {} }
}

// Merged into each definition, since it must stand there as it is: Logic Apps checks it when the workflow is saved.
var callsAsIdentity = {
  actions: { Hunt: { inputs: { authentication: { identity: identity.id } } } }
}

var appParameters = {
  appUrl: { value: functionAppUrl }
  audience: { value: apiAudience }
}

var sentinelApiId = subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'azuresentinel')

var sentinelParameters = union(appParameters, {
  '$connections': {
    value: {
      azuresentinel: {
        id: sentinelApiId
        connectionId: connection.id
        connectionName: 'azuresentinel-${namePrefix}'
        connectionProperties: {
          authentication: {
            type: 'ManagedServiceIdentity'
            identity: identity.id
          }
        }
      }
    }
  }
})

// The published type knows neither parameterValueType, which is what makes it a managed identity's, nor kind, which
// is V1 where nothing is said.
resource connection 'Microsoft.Web/connections@2016-06-01' = if (hasSentinel) {
  name: 'azuresentinel-${namePrefix}'
  location: location
  tags: tags
  properties: any({
    displayName: 'Sentinel, as the identity of Outrider\'s playbooks'
    parameterValueType: 'Alternative'
    customParameterValues: {}
    api: { id: sentinelApiId }
  })
}

// Reader would do to be started. Responder, since the playbook for an entity says on the incident what came out.
module responder '../modules/sentinel-role.bicep' = if (assignsResponder) {
  // Named, here and below: generated names repeat where a deployment's name does, and this group is everybody's.
  name: '${namePrefix}-playbooks-role'
  scope: resourceGroup(roleWorkspace[2], roleWorkspace[4])
  params: {
    workspaceName: roleWorkspace[8]
    principalId: identity.properties.principalId
  }
}

resource incidentPlaybook 'Microsoft.Logic/workflows@2019-05-01' = if (hasSentinel) {
  name: '${namePrefix}-incident'
  location: location
  tags: tags
  identity: workflowIdentity
  properties: {
    state: 'Enabled'
    definition: union(loadJsonContent('incident.json'), callsAsIdentity)
    parameters: sentinelParameters
  }
  dependsOn: [responder]
}

resource entityPlaybooks 'Microsoft.Logic/workflows@2019-05-01' = [
  for entity in entities: {
    name: '${namePrefix}-${entity.key}'
    location: location
    tags: tags
    identity: workflowIdentity
    properties: {
      state: 'Enabled'
      definition: union(loadJsonContent('entity.json'), callsAsIdentity, {
        triggers: { Microsoft_Sentinel_entity: { inputs: { path: entity.value.path } } }
        actions: { Hunt: { inputs: { body: entity.value.body } } }
      })
      parameters: sentinelParameters
    }
    dependsOn: [responder]
  }
]

resource calloutExample 'Microsoft.Logic/workflows@2019-05-01' = if (callout) {
  name: '${namePrefix}-callout'
  location: location
  tags: tags
  identity: workflowIdentity
  properties: {
    state: 'Enabled'
    definition: union(loadJsonContent('callout.json'), callsAsIdentity)
    parameters: appParameters
    accessControl: {
      // No address at all: other Logic Apps alone may start it, and its own address, with the key in it, opens nothing.
      triggers: { allowedCallerIpAddresses: [] }
    }
  }
}

resource sentinelMayStart 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (startsByItself && assignAutomationRole) {
  name: guid(resourceGroup().id, securityInsightsPrincipalId, microsoftSentinelAutomationContributor)
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      microsoftSentinelAutomationContributor
    )
    principalId: securityInsightsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// After the role: Sentinel refuses a rule for a playbook that it may not start.
module automationRules 'automation-rules.bicep' = if (startsByItself) {
  name: '${namePrefix}-automation-rules'
  scope: resourceGroup(ruleWorkspace[2], ruleWorkspace[4])
  params: {
    workspaceName: ruleWorkspace[8]
    playbookId: incidentPlaybook.id
    incidentTriggers: incidentTriggers
  }
  dependsOn: [sentinelMayStart]
}

@description('The object id of the playbooks\' identity, which the app\'s registration must let in.')
output principalId string = identity.properties.principalId

@description('The client id of the playbooks\' identity.')
output clientId string = identity.properties.clientId
