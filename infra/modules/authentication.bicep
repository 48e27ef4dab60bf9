metadata name = 'Authentication'
metadata description = 'App Service authentication in front of the app: a caller without a token of this tenant for this app gets 401.'

@description('Required. The name of the app.')
param appName string

@description('Required. The client id of the registration.')
param clientId string

@description('Required. The audience that callers ask tokens for, besides the client id.')
param audience string

@description('Optional. The client ids of the applications that may call, besides the app\'s own sign-in; with none, whoever Entra issues a token to.')
param callerClientIds string[] = []

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource authentication 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          // The name of the setting that holds the identity's client id, where others keep a secret.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [clientId, audience]
          defaultAuthorizationPolicy: {
            allowedApplications: empty(callerClientIds) ? [] : concat([clientId], callerClientIds)
          }
        }
      }
    }
    login: {
      // Nobody's tokens are needed once they are checked, so none are kept.
      tokenStore: { enabled: false }
      cookieExpiration: {
        convention: 'FixedTime'
        timeToExpiration: '08:00:00'
      }
    }
  }
}
