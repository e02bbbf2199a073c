"""The routes by which people run the appliance, one file a subject."""
