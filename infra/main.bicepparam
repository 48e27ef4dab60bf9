using './main.bicep'

// azd sets these; without it, set them in the shell, or write the values here.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')

// A trial first: everything but the comment. Then 'on'.
param comments = readEnvironmentVariable('OUTRIDER_COMMENTS', 'off')

param readersGroupId = readEnvironmentVariable('OUTRIDER_READERS_GROUP_ID', '')
param analystsGroupId = readEnvironmentVariable('OUTRIDER_ANALYSTS_GROUP_ID', '')
param operatorsGroupId = readEnvironmentVariable('OUTRIDER_OPERATORS_GROUP_ID', '')
param sentinelWorkspaceId = readEnvironmentVariable('OUTRIDER_SENTINEL_WORKSPACE_ID', '')
param deployPlaybooks = bool(readEnvironmentVariable('OUTRIDER_DEPLOY_PLAYBOOKS', 'false'))
param securityInsightsPrincipalId = readEnvironmentVariable('OUTRIDER_SECURITY_INSIGHTS_PRINCIPAL_ID', '')
param alertEmail = readEnvironmentVariable('OUTRIDER_ALERT_EMAIL', '')

// Where the deployer may not assign Graph roles or make a registration, somebody else does: see DEPLOYMENT.md.
param grantGraphRoles = bool(readEnvironmentVariable('OUTRIDER_GRANT_GRAPH_ROLES', 'true'))
param existingClientId = readEnvironmentVariable('OUTRIDER_CLIENT_ID', '')
param httpAuth = readEnvironmentVariable('OUTRIDER_HTTP_AUTH', 'entra')

param vnet = bool(readEnvironmentVariable('OUTRIDER_VNET', 'false'))
