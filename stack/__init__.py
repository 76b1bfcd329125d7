"""The servers that Terrace needs on one machine: started, watched and stopped from here, none of them installed."""
