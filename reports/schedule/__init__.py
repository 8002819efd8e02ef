"""Reports that make themselves: what is due, one tick that runs it, and how the tick is installed."""
