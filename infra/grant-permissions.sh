#!/usr/bin/env bash
# Assign what main.bicep could not: for who may assign Graph roles but does not deploy, and for Government clouds.
#
#   infra/grant-permissions.sh PRINCIPAL_ID [--app CLIENT_ID --caller OBJECT_ID ...]
#   infra/grant-permissions.sh --callers-only --app CLIENT_ID --caller OBJECT_ID ...
#
#   PRINCIPAL_ID    the object id of Outrider's identity: the output identityPrincipalId of main.bicep. It is
#                   assigned the application roles ThreatHunting.Read.All and SecurityIncident.ReadWrite.All
#   --callers-only  leave these two to somebody who may assign them, and assign --reader, --caller, --sweeper alone
#   --app           the client id of Outrider's registration: the output registrationClientId
#   --reader        the object id of a security group or an identity that may then read runs: Outrider.Read
#   --caller        the same of one that may start runs too, as analysts and playbooks' identities: Outrider.Use
#   --sweeper       the same of one that may start sweeps and the self-test as well: Outrider.Sweep
#   --graph         the address of Microsoft Graph, where it is not the one of az's cloud: https://dod-graph.microsoft.us
#
# It needs az, signed in as a Privileged Role Administrator; with --callers-only, as a Cloud Application Administrator.
# All is looked up before the first role is assigned. One that is refused keeps none of the others back: each is named,
# and the exit code is 1. What is assigned already is left as it is, so it may be run again.
#
# A group needs Entra ID P1, and members of the groups within it get nothing. An identity or a registration that was
# deleted and made anew has other ids and no roles: run it again with these.

set -euo pipefail

microsoft_graph=00000003-0000-0000-c000-000000000000
graph_roles=(ThreatHunting.Read.All SecurityIncident.ReadWrite.All)
above="see az's words above"

main() {
  local principal='' app='' callers_only='' callers=() refused=() name who caller step on role
  id='' kind='' graph='' resource='' roles='' assigned='' steps=()
  while (($#)); do
    case $1 in
      --callers-only) callers_only=yes && shift && continue ;;
      -h | --help) usage && return ;;
      --app | --reader | --caller | --sweeper) read_id "$@" ;;
      --graph) [[ ${2:-} == https://* ]] || stop "--graph needs an address that begins with https://" ;;
      -*) stop "unknown option $1; --help shows them all" ;;
      *)
        [[ -z $principal ]] || stop "one principal at a time: $principal or $1?"
        read_id PRINCIPAL_ID "$1" && principal=$id && shift && continue
        ;;
    esac
    case $1 in
      --app) app=$id ;;
      --reader) callers+=("Outrider.Read $id") ;;
      --caller) callers+=("Outrider.Use $id") ;;
      --sweeper) callers+=("Outrider.Sweep $id") ;;
      --graph) graph=$2 ;;
    esac
    shift 2
  done
  if [[ -n $callers_only ]]; then
    [[ -z $principal ]] || stop "--callers-only assigns nothing to an identity: what is $principal?"
    ((${#callers[@]})) || stop "--callers-only needs --reader, --caller or --sweeper"
  else
    [[ -n $principal ]] || stop "whose roles? Give the object id of Outrider's identity; --help says where it stands"
  fi
  [[ -n $app || ${#callers[@]} -eq 0 ]] ||
    stop "--reader, --caller and --sweeper need --app, the client id of Outrider's registration"
  [[ -z $app || ${#callers[@]} -gt 0 ]] || stop "--app needs --reader, --caller or --sweeper: who may call?"

  command -v az >/dev/null || stop "az, the Azure CLI, is not on the PATH"
  if [[ -z $graph ]]; then
    graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv) ||
      stop "az's cloud could not be read: $above"
    [[ $graph == https://* ]] || stop "az's cloud has no address of Microsoft Graph: give it with --graph"
  fi
  graph=${graph%/}

  if [[ -z $callers_only ]]; then
    ask get "servicePrincipals/$principal" --query id >/dev/null ||
      stop "the service principal $principal could not be read: $above. If there is none: is it the identity's" \
        "object id, and not its client id?"
    find_application "$microsoft_graph"
    find_assigned "$principal" servicePrincipals
    for name in "${graph_roles[@]}"; do
      add_step "$microsoft_graph" "$name" "$principal"
    done
  fi
  if ((${#callers[@]})); then
    find_application "$app"
    for caller in "${callers[@]}"; do
      name=${caller%% *} who=${caller#* }
      find_kind "$who"
      find_assigned "$who" "$kind"
      add_step "$app" "$name" "$who"
    done
  fi

  for step in "${steps[@]}"; do
    read -r name who on role <<<"$step"
    assign "$name" "$who" "$on" "$role" || refused+=("$name for $who;")
  done
  ((${#refused[@]} == 0)) || stop "not assigned: ${refused[*]} all else is"
  echo "Done. Azure keeps the token of an identity for up to a day: Outrider may see a new role only then."
}

# read_id OPTION VALUE: set id to VALUE, in small letters, as Graph writes ids.
read_id() {
  local form='^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  [[ -n ${2:-} ]] || stop "$1 needs an id"
  id=$(tr '[:upper:]' '[:lower:]' <<<"$2")
  [[ $id =~ $form ]] || stop "$1 needs an id, such as $microsoft_graph, and not $2"
}

# ask METHOD PATH [ARGUMENT...]: call Graph, and print what --query picks as text.
ask() {
  az rest --method "$1" --url "$graph/v1.0/$2" --resource "$graph" --output tsv "${@:3}"
}

# find_application CLIENT_ID: set resource to its object id in this tenant, and roles to a line for each: name and id.
find_application() {
  local found
  found=$(ask get servicePrincipals --url-parameters "\$filter=appId eq '$1'" "\$select=id,appId,appRoles" \
    --query "value[0].[id, appRoles[?value].join(' ', [value, id])][]") ||
    stop "the application $1 could not be looked up: $above"
  [[ -n $found ]] || stop "this tenant has no enterprise application with the client id $1"
  resource=${found%%$'\n'*} roles=${found#*$'\n'}
}

# find_kind OBJECT_ID: set kind to the path at which Graph has objects of its type.
find_kind() {
  local found
  found=$(ask get "directoryObjects/$1" --query '"@odata.type"') ||
    stop "$1 could not be read: $above. If there is none: is it an object id, and not a client id?"
  case $found in
    '#microsoft.graph.group') kind=groups ;;
    '#microsoft.graph.servicePrincipal') kind=servicePrincipals ;;
    '#microsoft.graph.user') kind=users ;;
    *) stop "$1 is of the type ${found##*.}, which has no roles: give a group, a user or an enterprise application" ;;
  esac
}

# find_assigned OBJECT_ID KIND: add to assigned a line for each role that it has: of whom, on what, which.
# One page holds them: they are of one resource. https://learn.microsoft.com/graph/api/user-list-approleassignments
find_assigned() {
  local found
  found=$(ask get "$2/$1/appRoleAssignments" --url-parameters "\$filter=resourceId eq $resource" \
    --query "value[].join(' ', [principalId, resourceId, appRoleId])") ||
    stop "the roles of $1 could not be read: $above"
  assigned+=$found$'\n'
}

# add_step CLIENT_ID NAME OBJECT_ID: plan to assign an application's role.
add_step() {
  local role
  role=$(awk -v name="$2" '$1 == name { print $2; exit }' <<<"$roles")
  [[ -n $role ]] || stop "the application $1 has no role $2 in this tenant"
  steps+=("$2 $3 $resource $role")
}

# assign NAME OBJECT_ID RESOURCE ROLE: assign a role that is not assigned, or say who may.
assign() {
  local admin='Privileged Role'
  [[ $1 != Outrider.* ]] || admin='Cloud Application'
  if grep -qixF "$2 $3 $4" <<<"$assigned"; then
    echo "already there: $1 for $2"
    return
  fi
  if ! ask post "servicePrincipals/$3/appRoleAssignedTo" --headers Content-Type=application/json --query id \
    --body "{\"principalId\": \"$2\", \"resourceId\": \"$3\", \"appRoleId\": \"$4\"}" >/dev/null; then
    tell "$1 was not assigned to $2: $above. It takes a $admin Administrator"
    return 1
  fi
  assigned+="$2 $3 $4"$'\n'
  echo "assigned:      $1 for $2"
}

usage() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

tell() {
  echo "grant-permissions: $*" >&2
}

stop() {
  tell "$@"
  exit 1
}

main "$@"
