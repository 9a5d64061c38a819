"""The backtest: recorded events once more, under a draft of the program, in memory."""
