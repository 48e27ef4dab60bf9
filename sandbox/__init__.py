"""A local stand-in for the cloud services that Outrider uses; never deployed."""
