metadata name = 'Alerts'
metadata description = 'What an operator should hear of: runs that kill the worker, failed and parked runs, throttling, rights that are missing, and a watch that does not look.'

import { tagsType } from '../types.bicep'

@description('Required. What the names of the alerts begin with.')
param namePrefix string

@description('Required. The name of the environment, which their titles show.')
param environmentName string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The Log Analytics workspace that is asked.')
param workspaceId string

@description('Optional. The address that alerts are mailed to; without one they show in the portal alone.')
param alertEmail string = ''

@description('Optional. Whether the watch is on; where it is switched off, nobody need hear that it does not look.')
param watched bool = true

// `dimension` names a column: one alert for each of its values. `measure` is added up over the window.
var rules = [
  {
    name: 'poison-queue'
    description: 'Workers died of a run, or beside it: its message was delivered five times. It is tried alone, and given up if its worker dies of it three times; the app\'s log says where.'
    severity: 1
    window: 'PT30M'
    threshold: 0
    measure: 'OperationCount'
    dimension: 'Queue'
    query: '''
      StorageQueueLogs
      | where OperationName == 'PutMessage' and ObjectKey contains '-poison'
      | extend Queue = ObjectKey, OperationCount = 1
    '''
  }
  {
    name: 'failed-runs'
    description: 'Runs ended failed, or completed with hunts that failed. GET /api/runs/{runId} names the reason of each.'
    severity: 2
    window: 'PT30M'
    threshold: 0
    measure: 'Sum'
    dimension: 'Status'
    query: '''
      AppMetrics
      | where Name == 'outrider.runs'
      | extend Status = tostring(Properties.status)
      | where Status in ('failed', 'completedWithFailures')
    '''
  }
  {
    name: 'parked-runs'
    description: 'Runs wait: for a right, or for a tenant that throttles. They go on by themselves, for 24 hours.'
    severity: 3
    window: 'PT1H'
    threshold: 0
    measure: 'Sum'
    dimension: ''
    query: '''
      AppMetrics
      | where Name == 'outrider.parked'
    '''
  }
  {
    name: 'throttling'
    description: 'Graph answered 429 more than 20 times in an hour. Lower HUNTS_PER_MINUTE, which all instances together keep to, or see who else hunts in this tenant.'
    severity: 3
    window: 'PT1H'
    threshold: 20
    measure: 'Sum'
    dimension: ''
    query: '''
      AppMetrics
      | where Name == 'outrider.throttled'
    '''
  }
  {
    name: 'missing-role'
    description: 'Graph refused a call for want of a role. Grant it; a token may then take a day to carry it.'
    severity: 1
    window: 'PT30M'
    threshold: 0
    measure: 'Sum'
    dimension: 'Role'
    query: '''
      AppMetrics
      | where Name == 'outrider.missing_role'
      | extend Role = tostring(Properties.role)
    '''
  }
  {
    name: 'silent-watch'
    description: 'For three of its intervals the watch could not list incidents, or never looked. GET /api/selftest says what is missing.'
    severity: 1
    // The longest that a rule can have.
    window: 'P2D'
    threshold: 0
    measure: 'Silent'
    dimension: ''
    // Each look logs how long three intervals are. Five minutes more: logs take up to three to arrive, on average
    // (Learn: log data ingestion time). Without a line, `summarize` still returns a row; its time is then empty.
    query: '''
      AppTraces
      | where Message startswith 'watch: ' and Message has 'three intervals are'
      | summarize arg_max(TimeGenerated, Message)
      | extend Intervals = toint(extract('three intervals are ([0-9]+) s', 1, Message)) * 1s
      | project
          Silent = toint(isnull(TimeGenerated) or now() - TimeGenerated > Intervals + 5m),
          TimeGenerated = now()
    '''
  }
]

module actionGroup 'br/public:avm/res/insights/action-group:0.8.0' = if (!empty(alertEmail)) {
  params: {
    name: 'ag-${namePrefix}'
    groupShortName: 'Outrider'
    location: 'global'
    tags: tags
    enableTelemetry: false
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

module alerts 'br/public:avm/res/insights/scheduled-query-rule:0.6.0' = [
  for rule in filter(rules, each => watched || each.name != 'silent-watch'): {
    params: {
      name: '${namePrefix}-${rule.name}'
      alertDisplayName: 'Outrider (${environmentName}): ${replace(rule.name, '-', ' ')}'
      alertDescription: rule.description
      location: location
      tags: tags
      enableTelemetry: false
      scopes: [workspaceId]
      severity: rule.severity
      // A third of the price of every five minutes. Windows overlap: what arrives late is in the next.
      evaluationFrequency: 'PT15M'
      windowSize: rule.window
      autoMitigate: true
      // The tables are there once something has been written to them.
      skipQueryValidation: true
      criterias: {
        allOf: [
          {
            query: rule.query
            metricMeasureColumn: rule.measure
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: rule.threshold
            dimensions: map(filter([rule.dimension], each => !empty(each)), each => {
              name: each
              operator: 'Include'
              values: ['*']
            })
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroupResourceIds: empty(alertEmail) ? [] : [actionGroup!.outputs.resourceId]
      }
    }
  }
]
