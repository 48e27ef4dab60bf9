metadata name = 'Types'
metadata description = 'The types that several templates share, and how a list is read from one text.'

@export()
@description('Tags of a resource.')
type tagsType = { *: string }

@export()
@description('Settings of the app, by name. Each is a text, a number too: { MAX_ROWS: \'500\' }.')
type settingsType = { *: string }

@export()
@description('When Sentinel runs the playbook for incidents: when one is created, or when it gains alerts.')
type incidentTriggerType = 'Created' | 'Updated'

@export()
@description('The entries of a comma-separated list, without the space around them.')
func listOf(text string) string[] => filter(map(split(text, ','), each => trim(each)), each => !empty(each))
