metadata name = 'Network'
metadata description = 'A virtual network for the app, and private DNS zones for the storage services it uses.'

import { tagsType } from '../types.bicep'

@description('Required. The name of the virtual network.')
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The storage services that get a private endpoint: blob, queue.')
param services string[]

@description('Optional. The address space.')
param addressPrefix string = '10.71.0.0/25'

@description('Optional. The part of it that the app takes, of at least /27.')
param appPrefix string = '10.71.0.0/26'

@description('Optional. The part of it that the private endpoints take.')
param endpointPrefix string = '10.71.0.64/26'

// No rule of its own: the platform's default rules let in nothing from the internet.
resource securityGroup 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          // Graph and Entra are on the internet; set natGateway instead where the address must be known.
          defaultOutboundAccess: true
          networkSecurityGroup: { id: securityGroup.id }
          delegations: [
            {
              name: 'flex-consumption'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: { id: securityGroup.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

module zones 'br/public:avm/res/network/private-dns-zone:0.8.1' = [
  for service in services: {
    params: {
      name: 'privatelink.${service}.${environment().suffixes.storage}'
      // No tags: two environments of one resource group have the same zones.
      enableTelemetry: false
      virtualNetworkLinks: [
        {
          virtualNetworkResourceId: network.id
          registrationEnabled: false
        }
      ]
    }
  }
]

@description('The subnet that the app is integrated with.')
output appSubnetId string = '${network.id}/subnets/app'

@description('The subnet that holds the private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'

@description('The private DNS zones, in the order of the services.')
output zoneIds string[] = [for (service, index) in services: zones[index].outputs.resourceId]
