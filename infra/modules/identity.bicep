metadata name = 'Identity'
metadata description = 'The one identity that the app is: towards storage, Application Insights, Graph and Sentinel, and for its own sign-in.'

import { tagsType } from '../types.bicep'

@description('Required. The name of the identity.')
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of the resource.')
param tags tagsType

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('The resource id.')
output id string = identity.id

@description('The client id, as AZURE_CLIENT_ID holds it.')
output clientId string = identity.properties.clientId

@description('The object id, to which roles are assigned.')
output principalId string = identity.properties.principalId
