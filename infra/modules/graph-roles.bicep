metadata name = 'Graph roles'
metadata description = 'The two application roles of Microsoft Graph that Outrider needs, assigned to its identity. Who deploys this needs the right to assign them.'

extension microsoftGraphV1

@description('Required. The object id of the identity.')
param principalId string

// Microsoft Graph permissions reference: the ids of the application roles.
var roles = [
  { name: 'ThreatHunting.Read.All', id: 'dd98c7f5-2d42-42d3-a0e4-633161547251' }
  { name: 'SecurityIncident.ReadWrite.All', id: '34bf0e97-1971-4929-b999-9e2442d941d7' }
]

// Microsoft Graph itself, which has this application id in every tenant.
resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource assignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for role in roles: {
    appRoleId: role.id
    principalId: principalId
    resourceId: graph.id
  }
]
