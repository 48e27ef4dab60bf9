metadata name = 'Function app'
metadata description = 'The Flex Consumption plan and the app on it, with nothing in its settings that opens anything.'

import { settingsType, tagsType } from '../types.bicep'

@description('Required. The name of the app.')
param name string

@description('Required. The name of the plan.')
param planName string

@description('Required. The region.')
param location string

@description('Required. The tags of the resources.')
param tags tagsType

@description('Required. The resource id of the identity.')
param identityId string

@description('Required. The client id of the identity.')
param identityClientId string

@description('Required. The blob service\'s address, with a slash at its end.')
param blobEndpoint string

@description('Required. The queue service\'s address, with a slash at its end.')
param queueEndpoint string

@description('Required. The name of the Application Insights resource.')
param insightsName string

@description('Required. Outrider\'s own settings, beside those that this module knows.')
param settings settingsType

@description('Required. The most instances that run at once.')
param maximumInstanceCount int

@description('Required. Spread the instances over the zones of the region.')
param zoneRedundant bool

@description('Optional. The subnet to send outbound traffic through.')
param subnetId string = ''

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app by this tag: the name of the service in azure.yaml.
  tags: union(tags, { 'azd-service-name': 'outrider' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}deployments'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: 2048
        triggers: {
          // Python gets one call at a time by itself: a page would wait for a playbook's poll. 16 is what other languages get.
          http: { perInstanceConcurrency: 16 }
        }
      }
    }
    // No ftpsState: the plan has no FTP, and refuses the property. The policy below closes FTP besides.
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, {
    AZURE_CLIENT_ID: identityClientId
    STATE_URL: '${blobEndpoint}state'
    AzureWebJobsDisableHomepage: 'true'
    AzureWebJobsStorage__blobServiceUri: blobEndpoint
    AzureWebJobsStorage__queueServiceUri: queueEndpoint
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
    WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
  })
}

@description('The name of the app.')
output name string = app.name

@description('The name that callers reach the app by.')
output hostName string = app.properties.defaultHostName
