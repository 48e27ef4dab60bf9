metadata name = 'Storage'
metadata description = 'The account that holds the package, the state, the queues and the host\'s own bookkeeping; opened by identity alone.'

import { tagsType } from '../types.bicep'

@minLength(3)
@maxLength(24)
@description('Required. The name of the account.')
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The object id of the identity that reads and writes.')
param principalId string

@description('Required. The Log Analytics workspace that access is logged to.')
param workspaceId string

@description('Required. The queues; each gets a poison queue.')
param queueNames string[]

@minValue(1)
@maxValue(365)
@description('Required. After how many days runs and what they found are deleted.')
param findingsDays int

@description('Required. Keep three copies in three zones of the region, in place of three in one.')
param zoneRedundant bool

@description('Optional. The object id of a group that may read what is stored, and the queues.')
param readersGroupId string = ''

@description('Optional. The subnet for private endpoints; with one, the account is closed to the internet.')
param endpointSubnetId string = ''

@description('Optional. The storage services that get a private endpoint.')
param services string[] = []

@description('Optional. The private DNS zones of the services, in the same order.')
param zoneIds string[] = []

var private = !empty(endpointSubnetId)

// Azure built-in roles.
var appRoles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
}
var readerRoles = {
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  storageQueueDataReader: '19e7f393-937e-4f77-808e-94535e297925'
}

var queues = [for queueName in queueNames: { name: queueName }]
var poisonQueues = [for queueName in queueNames: { name: '${queueName}-poison' }]

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Lifecycle rules are carried out by a trusted service.
      bypass: 'AzureServices'
      // Flex Consumption has no fixed addresses: without a virtual network only the identity keeps others out.
      defaultAction: private ? 'Deny' : 'Allow'
    }
  }
}

module blobService 'br/public:avm/res/storage/storage-account/blob-service:0.1.0' = {
  params: {
    enableTelemetry: false
    storageAccountName: account.name
    containers: [
      { name: 'deployments' }
      { name: 'state' }
    ]
    deleteRetentionPolicyDays: 7
    containerDeleteRetentionPolicyDays: 7
    diagnosticSettings: [
      {
        name: 'access'
        workspaceResourceId: workspaceId
        metricCategories: []
        logCategoriesAndGroups: [
          { category: 'StorageRead' }
          { category: 'StorageWrite' }
          { category: 'StorageDelete' }
        ]
      }
    ]
  }
}

module queueService 'br/public:avm/res/storage/storage-account/queue-service:0.1.0' = {
  params: {
    enableTelemetry: false
    storageAccountName: account.name
    queues: concat(queues, poisonQueues)
    diagnosticSettings: [
      {
        name: 'access'
        workspaceResourceId: workspaceId
        metricCategories: []
        // Not StorageRead: the scale controller looks at the queues' lengths all day.
        logCategoriesAndGroups: [
          { category: 'StorageWrite' }
        ]
      }
    ]
  }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'expire-runs'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['state/runs/', 'state/open/']
            }
            actions: {
              baseBlob: {
                delete: { daysAfterCreationGreaterThan: findingsDays }
              }
            }
          }
        }
        {
          // What was hunted and said on an incident, without a row of it: whoever opens it again a year later is told again.
          name: 'expire-incidents'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['state/incidents/', 'state/comments/']
            }
            actions: {
              baseBlob: {
                delete: { daysAfterCreationGreaterThan: 400 }
              }
            }
          }
        }
      ]
    }
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(appRoles): {
    name: guid(account.id, principalId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in (empty(readersGroupId) ? [] : items(readerRoles)): {
    name: guid(account.id, readersGroupId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: readersGroupId
      principalType: 'Group'
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for service in (private ? services : []): {
    name: 'pep-${name}-${service}'
    location: location
    tags: tags
    properties: {
      subnet: { id: endpointSubnetId }
      privateLinkServiceConnections: [
        {
          name: service
          properties: {
            privateLinkServiceId: account.id
            groupIds: [service]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (service, index) in (private ? services : []): {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: service
          properties: { privateDnsZoneId: zoneIds[index] }
        }
      ]
    }
  }
]

@description('The name of the account.')
output name string = account.name

@description('The blob service\'s address, with a slash at its end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('The queue service\'s address, with a slash at its end.')
output queueEndpoint string = account.properties.primaryEndpoints.queue
