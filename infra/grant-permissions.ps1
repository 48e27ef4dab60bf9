<#
.SYNOPSIS
Assigns what main.bicep could not: for who may assign Graph roles but does not deploy, and for Government clouds.

.DESCRIPTION
Needs az, signed in as a Privileged Role Administrator; where only callers are missing, as a Cloud Application
Administrator. What is assigned already is left as it is, so it may be run again.

.PARAMETER PrincipalId
The object id of Outrider's identity: the output identityPrincipalId of main.bicep. It is assigned the application
roles ThreatHunting.Read.All and SecurityIncident.ReadWrite.All.

.PARAMETER App
The client id of Outrider's registration: the output registrationClientId.

.PARAMETER Reader
The object ids of groups or identities that may then read runs: Outrider.Read.

.PARAMETER Caller
The same of those that may start runs too, as analysts and playbooks' identities: Outrider.Use.

.PARAMETER Sweeper
The same of those that may start sweeps and the self-test as well: Outrider.Sweep.

.PARAMETER Graph
The address of Microsoft Graph, where it is not the one of az's cloud: https://dod-graph.microsoft.us.

.EXAMPLE
infra/grant-permissions.ps1 -PrincipalId $identity -App $clientId -Caller $analysts, $playbooks
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [guid] $PrincipalId,
    [string] $App,
    [guid[]] $Reader = @(),
    [guid[]] $Caller = @(),
    [guid[]] $Sweeper = @(),
    [string] $Graph
)

$ErrorActionPreference = 'Stop'

$MicrosoftGraph = '00000003-0000-0000-c000-000000000000'
$GraphRoles = 'ThreatHunting.Read.All', 'SecurityIncident.ReadWrite.All'
$Callers = [ordered]@{ 'Outrider.Read' = $Reader; 'Outrider.Use' = $Caller; 'Outrider.Sweep' = $Sweeper }

function Invoke-Graph {
    param([string] $Method, [string] $Path, [string[]] $Arguments = @())

    $answer = az rest --method $Method --url "$Graph/v1.0/$Path" --resource $Graph --output json @Arguments
    if ($LASTEXITCODE) { throw "Microsoft Graph refused $Method $Path; az says why above." }
    $answer | Out-String | ConvertFrom-Json
}

function Get-Application {
    param([string] $ClientId)

    $found = @((Invoke-Graph get servicePrincipals '--url-parameters', "`$filter=appId eq '$ClientId'").value)
    if (-not $found) { throw "This tenant has no enterprise application with the client id $ClientId." }
    $found[0]
}

function Add-Role {
    param($Application, [string] $Name, [string] $To, [string] $Where)

    $role = $Application.appRoles | Where-Object value -EQ $Name
    if (-not $role) { throw "The application $($Application.appId) has no role $Name in this tenant." }

    $there = (Invoke-Graph get $Where '--url-parameters', '$top=999').value | Where-Object {
        $_.principalId -eq $To -and $_.resourceId -eq $Application.id -and $_.appRoleId -eq $role.id
    }
    if ($there) { return "already there: $Name for $To" }

    # In a file, since quotes do not survive the way to az on Windows.
    $body = New-TemporaryFile
    try {
        @{ principalId = $To; resourceId = $Application.id; appRoleId = $role.id } |
            ConvertTo-Json | Set-Content -Path $body -Encoding ascii
        $header = '--headers', 'Content-Type=application/json'
        $null = Invoke-Graph post "servicePrincipals/$($Application.id)/appRoleAssignedTo" ($header + '--body', "@$body")
    }
    finally {
        Remove-Item -Path $body
    }
    "assigned:      $Name for $To"
}

if (($Reader + $Caller + $Sweeper) -and -not $App) {
    throw "-Reader, -Caller and -Sweeper need -App, the client id of Outrider's registration."
}
if (-not $Graph) {
    $Graph = az cloud show --query endpoints.microsoftGraphResourceId --output tsv
    if ($LASTEXITCODE) { throw 'az does not say which cloud it is in.' }
}
$Graph = $Graph.TrimEnd('/')

$null = Invoke-Graph get "servicePrincipals/$PrincipalId"
$microsoft = Get-Application $MicrosoftGraph
foreach ($name in $GraphRoles) {
    Add-Role $microsoft $name $PrincipalId "servicePrincipals/$PrincipalId/appRoleAssignments"
}

if ($Reader + $Caller + $Sweeper) {
    $outrider = Get-Application $App
    foreach ($name in $Callers.Keys) {
        foreach ($one in $Callers[$name]) {
            Add-Role $outrider $name $one "servicePrincipals/$($outrider.id)/appRoleAssignedTo"
        }
    }
}

'Done. Azure keeps the token of an identity for up to a day: Outrider may see a new role only then.'
