"""A local stand-in for the cloud that Outrider lives in; never deployed."""
