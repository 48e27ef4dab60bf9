"""
What ordinary people, services and administrators do on the devices of a fleet, day by day.

`windows/`, `linux/` and `mac/` hold it as tables (`patterns` says how they are written), which `writing` turns into SQL;
`known/` holds what is known of the devices and people, which `known` does.
The mass of it is thinned: a device has some dozens of events a day, not thousands. What resembles an attacker's work is
there as often as in life, as far as that is known: what only administrators do is rare, what every update does is not.
"""
