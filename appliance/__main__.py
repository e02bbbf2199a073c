"""`python -m appliance …` is `gatehouse …`."""

from appliance.cli.main import main

main()
