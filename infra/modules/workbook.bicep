metadata name = 'Workbook'
metadata description = 'One page of what Outrider does: runs, outcomes, failures, throttling, and the time from incident to comment.'

import { tagsType } from '../types.bicep'

@description('Required. The region.')
param location string

@description('Required. The tags of the resource.')
param tags tagsType

@description('Required. The name that the portal shows.')
param displayName string

@description('Required. The Log Analytics workspace that is asked.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // A workbook's name must be a GUID.
  name: guid(workspaceId, 'outrider')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(loadTextContent('../workbook.json'), '<workspace>', workspaceId)
  }
}
