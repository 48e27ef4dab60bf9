metadata name = 'Monitoring'
metadata description = 'A Log Analytics workspace and Application Insights on it, written to with Entra tokens alone.'

import { tagsType } from '../types.bicep'

@description('Required. The name of the workspace.')
param workspaceName string

@description('Required. The name of the Application Insights resource.')
param insightsName string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The object id of the identity that writes telemetry.')
param principalId string

@minValue(30)
@maxValue(730)
@description('Optional. How many days logs are kept.')
param retentionInDays int = 30

var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    // The connection string then names where to write and opens nothing.
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('The resource id of the workspace.')
output workspaceId string = workspace.id

@description('The name of the Application Insights resource.')
output insightsName string = insights.name
