#!/usr/bin/env bash
# Assign what main.bicep could not: for who may assign Graph roles but does not deploy, and for Government clouds.
#
#   infra/grant-permissions.sh PRINCIPAL_ID
#   infra/grant-permissions.sh PRINCIPAL_ID --app CLIENT_ID [--reader OBJECT_ID ...] [--caller OBJECT_ID ...]
#                                                           [--sweeper OBJECT_ID ...]
#
#   PRINCIPAL_ID   the object id of Outrider's identity: the output identityPrincipalId of main.bicep. It is
#                  assigned the application roles ThreatHunting.Read.All and SecurityIncident.ReadWrite.All
#   --app          the client id of Outrider's registration: the output registrationClientId
#   --reader       the object id of a group or an identity that may then read runs: Outrider.Read
#   --caller       the same of one that may start runs too, as analysts and playbooks' identities: Outrider.Use
#   --sweeper      the same of one that may start sweeps and the self-test as well: Outrider.Sweep
#   --graph        the address of Microsoft Graph, where it is not the one of az's cloud: https://dod-graph.microsoft.us
#
# It needs az, signed in as a Privileged Role Administrator; where only callers are missing, as a Cloud Application
# Administrator. What is assigned already is left as it is, so it may be run again.

set -euo pipefail

microsoft_graph=00000003-0000-0000-c000-000000000000
graph_roles=(ThreatHunting.Read.All SecurityIncident.ReadWrite.All)

main() {
  local principal='' app='' callers=() resource role_name role caller
  graph=''
  while (($#)); do
    case $1 in
      --app) app=${2:?"--app needs a client id"} && shift 2 ;;
      --reader) callers+=("Outrider.Read ${2:?"--reader needs an object id"}") && shift 2 ;;
      --caller) callers+=("Outrider.Use ${2:?"--caller needs an object id"}") && shift 2 ;;
      --sweeper) callers+=("Outrider.Sweep ${2:?"--sweeper needs an object id"}") && shift 2 ;;
      --graph) graph=${2:?"--graph needs an address"} && shift 2 ;;
      -h | --help) usage && return ;;
      -*) stop "unknown option $1; --help shows them all" ;;
      *) [[ -z $principal ]] || stop "one principal at a time: $principal or $1?" && principal=$1 && shift ;;
    esac
  done
  [[ -n $principal ]] || stop "whose roles? Give the object id of Outrider's identity; --help says where it stands"
  [[ -n $app || ${#callers[@]} -eq 0 ]] || stop "--reader, --caller and --sweeper need --app, the client id of Outrider's registration"

  graph=${graph:-$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)}
  graph=${graph%/}

  ask get "servicePrincipals/$principal" --query id >/dev/null ||
    stop "this tenant has no service principal $principal: is it the identity's object id, and not its client id?"
  resource=$(service_principal "$microsoft_graph")
  for role_name in "${graph_roles[@]}"; do
    role=$(role_id "$microsoft_graph" "$role_name")
    assign "$principal" "$resource" "$role" "$role_name" "servicePrincipals/$principal/appRoleAssignments"
  done

  for caller in ${callers[@]+"${callers[@]}"}; do
    role_name=${caller%% *} caller=${caller#* }
    resource=$(service_principal "$app")
    role=$(role_id "$app" "$role_name")
    assign "$caller" "$resource" "$role" "$role_name" "servicePrincipals/$resource/appRoleAssignedTo"
  done

  echo "Done. Azure keeps the token of an identity for up to a day: Outrider may see a new role only then."
}

# ask METHOD PATH [ARGUMENT...]: call Graph, and print what --query picks as text.
ask() {
  az rest --method "$1" --url "$graph/v1.0/$2" --resource "$graph" --output tsv "${@:3}"
}

# service_principal CLIENT_ID: print the object id that an application has in this tenant.
service_principal() {
  local id
  id=$(ask get servicePrincipals --url-parameters "\$filter=appId eq '$1'" --query 'value[0].id') || return
  [[ -n $id ]] || stop "this tenant has no enterprise application with the client id $1"
  echo "$id"
}

# role_id CLIENT_ID NAME: print the id of an application's role.
role_id() {
  local id
  id=$(ask get servicePrincipals --url-parameters "\$filter=appId eq '$1'" \
    --query "value[0].appRoles[?value=='$2'].id | [0]") || return
  [[ -n $id ]] || stop "the application $1 has no role $2 in this tenant"
  echo "$id"
}

# assign PRINCIPAL RESOURCE ROLE NAME WHERE: assign a role, unless WHERE lists that it is.
assign() {
  local found
  found=$(ask get "$5" --url-parameters "\$top=999" \
    --query "value[?principalId=='$1' && resourceId=='$2' && appRoleId=='$3'].id | [0]")
  if [[ -n $found ]]; then
    echo "already there: $4 for $1"
    return
  fi
  ask post "servicePrincipals/$2/appRoleAssignedTo" --headers Content-Type=application/json --query id \
    --body "{\"principalId\": \"$1\", \"resourceId\": \"$2\", \"appRoleId\": \"$3\"}" >/dev/null ||
    stop "$4 was not assigned to $1: that takes a Privileged Role Administrator"
  echo "assigned:      $4 for $1"
}

usage() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

stop() {
  echo "grant-permissions: $1" >&2
  exit 1
}

main "$@"
