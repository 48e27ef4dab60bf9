#Requires -Version 5.1

<#
.SYNOPSIS
Assigns what main.bicep could not: for who may assign Graph roles but does not deploy, and for Government clouds.

.DESCRIPTION
Needs az, signed in as a Privileged Role Administrator; with -CallersOnly, as a Cloud Application Administrator.
All is looked up before the first role is assigned. One that is refused keeps none of the others back: each is named,
and the script fails at its end. What is assigned already is left as it is, so it may be run again. -WhatIf looks
everything up, and says what would be assigned.

A group needs Entra ID P1, and members of the groups within it get nothing. An identity or a registration that was
deleted and made anew has other ids and no roles: run it again with these.

.PARAMETER PrincipalId
The object id of Outrider's identity: the output identityPrincipalId of main.bicep. It is assigned the application
roles ThreatHunting.Read.All and SecurityIncident.ReadWrite.All.

.PARAMETER CallersOnly
Leaves these two to somebody who may assign them, and assigns those of -Reader, -Caller and -Sweeper alone.

.PARAMETER App
The client id of Outrider's registration: the output registrationClientId.

.PARAMETER Reader
The object ids of security groups or identities that may then read runs: Outrider.Read.

.PARAMETER Caller
The same of those that may start runs too, as analysts and playbooks' identities: Outrider.Use.

.PARAMETER Sweeper
The same of those that may start sweeps and the self-test as well: Outrider.Sweep.

.PARAMETER Graph
The address of Microsoft Graph, where it is not the one of az's cloud: https://dod-graph.microsoft.us.

.EXAMPLE
infra/grant-permissions.ps1 $identity -App $clientId -Caller $analysts, $playbooks

.EXAMPLE
infra/grant-permissions.ps1 -CallersOnly -App $clientId -Caller $analysts

.EXAMPLE
pwsh -Command "infra/grant-permissions.ps1 $identity -App $clientId -Caller $analysts, $playbooks"

From another shell: with -File in place of -Command, PowerShell takes no lists.

.NOTES
Where Windows refuses to run what came from the internet: Unblock-File infra/grant-permissions.ps1
#>
[CmdletBinding(PositionalBinding = $false, SupportsShouldProcess)]
param(
    [Parameter(Position = 0)] [guid] $PrincipalId,
    [switch] $CallersOnly,
    [guid] $App,
    [ValidateNotNullOrEmpty()] [guid[]] $Reader,
    [ValidateNotNullOrEmpty()] [guid[]] $Caller,
    [ValidateNotNullOrEmpty()] [guid[]] $Sweeper,
    [ValidatePattern('^https://')] [string] $Graph
)

$ErrorActionPreference = 'Stop'
# Where a session has turned it on, az's exit code would stop the script before it can say what went wrong.
$PSNativeCommandUseErrorActionPreference = $false

$MicrosoftGraph = '00000003-0000-0000-c000-000000000000'
$GraphRoles = 'ThreatHunting.Read.All', 'SecurityIncident.ReadWrite.All'
$Callers = [ordered]@{ 'Outrider.Read' = $Reader; 'Outrider.Use' = $Caller; 'Outrider.Sweep' = $Sweeper }
$Kinds = @{
    '#microsoft.graph.group' = 'groups'
    '#microsoft.graph.servicePrincipal' = 'servicePrincipals'
    '#microsoft.graph.user' = 'users'
}
$Above = "see az's words above"

function Invoke-Az {
    param([string[]] $Arguments, [string] $Failure)

    # PowerShell 5.1 makes an error of each line that az writes to a redirected error stream, its warnings included.
    $ErrorActionPreference = 'Continue'
    $answer = az @Arguments
    if ($LASTEXITCODE) { throw $Failure }
    $answer
}

function Invoke-Graph {
    param([string] $Method, [string] $Path, [string] $Failure, [string[]] $Arguments = @())

    $call = 'rest', '--method', $Method, '--url', "$Address/v1.0/$Path", '--resource', $Address, '--output', 'json'
    $answer = Invoke-Az ($call + $Arguments) $Failure
    if ($answer) { $answer -join "`n" | ConvertFrom-Json }
}

function Get-Application {
    param([string] $ClientId)

    $query = '--url-parameters', "`$filter=appId eq '$ClientId'", '$select=id,appId,appRoles'
    $answer = Invoke-Graph get servicePrincipals "The application $ClientId could not be looked up: $Above." $query
    $found = @($answer.value)
    if (-not $found) { throw "This tenant has no enterprise application with the client id $ClientId." }
    $found[0]
}

# The path at which Graph has objects of the type that this one is of.
function Get-Kind {
    param([string] $Id)

    $failure = "$Id could not be read: $Above. If there is none: is it an object id, and not a client id?"
    [string] $type = (Invoke-Graph get "directoryObjects/$Id" $failure).'@odata.type'
    if (-not $Kinds.ContainsKey($type)) {
        $name = $type -replace '.*\.'
        throw "$Id is of the type $name, which has no roles: give a group, a user or an enterprise application."
    }
    $Kinds[$type]
}

# Each role of an application that somebody has: of whom, on what, which. One page holds them, as they are of one
# resource. https://learn.microsoft.com/graph/api/user-list-approleassignments
function Get-Assigned {
    param([string] $Id, [string] $Kind, $Application)

    $query = '--url-parameters', "`$filter=resourceId eq $($Application.id)"
    $answer = Invoke-Graph get "$Kind/$Id/appRoleAssignments" "The roles of $Id could not be read: $Above." $query
    foreach ($one in $answer.value) { "$($one.principalId) $($one.resourceId) $($one.appRoleId)" }
}

function Get-Step {
    param($Application, [string] $Name, [string] $To)

    $role = $Application.appRoles | Where-Object value -EQ $Name
    if (-not $role) { throw "The application $($Application.appId) has no role $Name in this tenant." }
    @{ Name = $Name; To = $To; Resource = $Application.id; Role = $role.id }
}

function Add-Role {
    param($Step)

    $admin = if ($Step.Name -like 'Outrider.*') { 'Cloud Application' } else { 'Privileged Role' }
    $failure = "$($Step.Name) was not assigned to $($Step.To): $Above. It takes a $admin Administrator."
    # In a file, since quotes do not survive the way to az on Windows.
    $body = New-TemporaryFile -Confirm:$false
    try {
        @{ principalId = $Step.To; resourceId = $Step.Resource; appRoleId = $Step.Role } |
            ConvertTo-Json | Set-Content -LiteralPath $body.FullName -Encoding ascii -Confirm:$false
        $posted = '--headers', 'Content-Type=application/json', '--body', "@$($body.FullName)"
        $null = Invoke-Graph post "servicePrincipals/$($Step.Resource)/appRoleAssignedTo" $failure $posted
    }
    finally {
        Remove-Item -LiteralPath $body.FullName -Confirm:$false -ErrorAction SilentlyContinue
    }
}

$named = @(
    foreach ($name in $Callers.Keys) {
        foreach ($one in $Callers[$name]) { @{ Name = $name; To = "$one" } }
    }
)
$hasIdentity = $PSBoundParameters.ContainsKey('PrincipalId')
$hasApp = $PSBoundParameters.ContainsKey('App')
if ($CallersOnly -and $hasIdentity) { throw "-CallersOnly assigns nothing to an identity: what is ${PrincipalId}?" }
if ($CallersOnly -and -not $named) { throw '-CallersOnly needs -Reader, -Caller or -Sweeper.' }
if (-not $CallersOnly -and -not $hasIdentity) {
    throw "Whose roles? Give the object id of Outrider's identity; Get-Help says where it stands."
}
if ($named -and -not $hasApp) {
    throw "-Reader, -Caller and -Sweeper need -App, the client id of Outrider's registration."
}
if ($hasApp -and -not $named) { throw '-App needs -Reader, -Caller or -Sweeper: who may call?' }

if (-not (Get-Command az -ErrorAction SilentlyContinue)) { throw 'az, the Azure CLI, is not on the PATH.' }
$Address = $Graph
if (-not $Address) {
    $show = 'cloud', 'show', '--query', 'endpoints.microsoftGraphResourceId', '--output', 'tsv'
    $Address = [string] (Invoke-Az $show "az's cloud could not be read: $Above.")
    if ($Address -notlike 'https://*') { throw "az's cloud has no address of Microsoft Graph: give it with -Graph." }
}
$Address = $Address.TrimEnd('/')

$assigned = @()
$steps = @()
if (-not $CallersOnly) {
    $failure = "The service principal $PrincipalId could not be read: $Above. If there is none: is it the identity's " +
        'object id, and not its client id?'
    $null = Invoke-Graph get "servicePrincipals/$PrincipalId" $failure
    $microsoft = Get-Application $MicrosoftGraph
    $assigned += @(Get-Assigned $PrincipalId servicePrincipals $microsoft)
    foreach ($name in $GraphRoles) { $steps += Get-Step $microsoft $name $PrincipalId }
}
if ($named) {
    $outrider = Get-Application $App
    foreach ($one in $named) {
        $assigned += @(Get-Assigned $one.To (Get-Kind $one.To) $outrider)
        $steps += Get-Step $outrider $one.Name $one.To
    }
}

$refused = @()
foreach ($step in $steps) {
    $words = "$($step.Name) for $($step.To)"
    $triple = "$($step.To) $($step.Resource) $($step.Role)"
    if ($assigned -contains $triple) {
        "already there: $words"
        continue
    }
    if (-not $PSCmdlet.ShouldProcess($step.To, "Assign $($step.Name)")) { continue }
    try {
        Add-Role $step
        $assigned += $triple
        "assigned:      $words"
    }
    catch {
        Write-Warning "$_"
        $refused += $words
    }
}
if ($refused) { throw "Not assigned: $($refused -join '; '); all else is." }

if (-not $WhatIfPreference) {
    'Done. Azure keeps the token of an identity for up to a day: Outrider may see a new role only then.'
}
