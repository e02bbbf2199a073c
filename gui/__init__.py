"""The desktop app: a tray icon and a window that speak to the appliance over its HTTP API alone."""
