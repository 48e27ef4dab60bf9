using './main.bicep'

import { listOf } from 'types.bicep'

// azd sets these; without it, set them in the shell. Every parameter has one: this file is never edited.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param location = readEnvironmentVariable('AZURE_LOCATION', '')

// A trial first: everything but the comment. Then 'on'.
param comments = readEnvironmentVariable('OUTRIDER_COMMENTS', 'off')

// Settings of the app, as one JSON object of texts: {"IGNORE_INDICATORS": "192.0.2.0/24"}
param settings = json(readEnvironmentVariable('OUTRIDER_SETTINGS', '{}'))
param findingsDays = int(readEnvironmentVariable('OUTRIDER_FINDINGS_DAYS', '30'))

param readersGroupId = readEnvironmentVariable('OUTRIDER_READERS_GROUP_ID', '')
param analystsGroupId = readEnvironmentVariable('OUTRIDER_ANALYSTS_GROUP_ID', '')
param operatorsGroupId = readEnvironmentVariable('OUTRIDER_OPERATORS_GROUP_ID', '')
param operatorsReadStorage = bool(readEnvironmentVariable('OUTRIDER_OPERATORS_READ_STORAGE', 'false'))
param callerPrincipalIds = listOf(readEnvironmentVariable('OUTRIDER_CALLER_PRINCIPAL_IDS', ''))
param callerClientIds = listOf(readEnvironmentVariable('OUTRIDER_CALLER_CLIENT_IDS', ''))
param callsFromAz = bool(readEnvironmentVariable('OUTRIDER_CALLS_FROM_AZ', 'false'))

param sentinelWorkspaceId = readEnvironmentVariable('OUTRIDER_SENTINEL_WORKSPACE_ID', '')
param furtherSentinelWorkspaceIds = listOf(readEnvironmentVariable('OUTRIDER_FURTHER_SENTINEL_WORKSPACE_IDS', ''))
param deployPlaybooks = bool(readEnvironmentVariable('OUTRIDER_DEPLOY_PLAYBOOKS', 'false'))
param securityInsightsPrincipalId = readEnvironmentVariable('OUTRIDER_SECURITY_INSIGHTS_PRINCIPAL_ID', '')
// any(): what a text holds is known when it is read, and its type is then checked.
param incidentTriggers = any(listOf(readEnvironmentVariable('OUTRIDER_INCIDENT_TRIGGERS', 'Created,Updated')))

param alertEmail = readEnvironmentVariable('OUTRIDER_ALERT_EMAIL', '')

// Where the deployer may not assign a role or make a registration, somebody else does: see DEPLOYMENT.md.
param grantGraphRoles = bool(readEnvironmentVariable('OUTRIDER_GRANT_GRAPH_ROLES', 'true'))
param assignSentinelRole = bool(readEnvironmentVariable('OUTRIDER_ASSIGN_SENTINEL_ROLE', 'true'))
param assignAutomationRole = bool(readEnvironmentVariable('OUTRIDER_ASSIGN_AUTOMATION_ROLE', 'true'))
param existingClientId = readEnvironmentVariable('OUTRIDER_CLIENT_ID', '')
param httpAuth = readEnvironmentVariable('OUTRIDER_HTTP_AUTH', 'entra')

param azureCloud = readEnvironmentVariable('OUTRIDER_CLOUD', '')
param namePrefix = readEnvironmentVariable('OUTRIDER_NAME_PREFIX', 'outrider')
param maximumInstanceCount = int(readEnvironmentVariable('OUTRIDER_MAX_INSTANCES', '40'))
param zoneRedundant = bool(readEnvironmentVariable('OUTRIDER_ZONE_REDUNDANT', 'false'))
param vnet = bool(readEnvironmentVariable('OUTRIDER_VNET', 'false'))
