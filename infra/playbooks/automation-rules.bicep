metadata name = 'Automation rules'
metadata description = 'Sentinel\'s rules that run the playbook when an incident is created, and when it gains alerts.'

import { incidentTriggerType } from '../types.bicep'

@description('Required. The name of the workspace, in the resource group that this is deployed to.')
param workspaceName string

@description('Required. The resource id of the playbook for incidents.')
param playbookId string

@description('Required. When to run it: Created, Updated, or both.')
param incidentTriggers incidentTriggerType[]

// An incident is updated by every comment too, Outrider's own among them; only new alerts bring anything to hunt for.
var conditions = {
  Created: []
  Updated: [
    {
      conditionType: 'PropertyArrayChanged'
      conditionProperties: {
        arrayType: 'Alerts'
        changeType: 'Added'
      }
    }
  ]
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource rules 'Microsoft.SecurityInsights/automationRules@2025-06-01' = [
  for when in incidentTriggers: {
    name: guid(workspace.id, playbookId, when)
    scope: workspace
    properties: {
      displayName: 'Outrider: incident ${toLower(when)}'
      order: 500
      triggeringLogic: {
        isEnabled: true
        triggersOn: 'Incidents'
        triggersWhen: when
        conditions: conditions[when]
      }
      actions: [
        {
          order: 1
          actionType: 'RunPlaybook'
          actionConfiguration: {
            logicAppResourceId: playbookId
            tenantId: tenant().tenantId
          }
        }
      ]
    }
  }
]
