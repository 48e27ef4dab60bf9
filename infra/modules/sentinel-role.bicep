metadata name = 'Sentinel role'
metadata description = 'Lets the app read the incidents of a Sentinel workspace and comment on them.'

@description('Required. The name of the workspace, in the resource group that this is deployed to.')
param workspaceName string

@description('Required. The object id of the identity.')
param principalId string

var microsoftSentinelResponder = '3e150937-b8fe-4cfb-8069-0eaf05ecd056'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource responder 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, microsoftSentinelResponder)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', microsoftSentinelResponder)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
