"""Files written so that nothing is lost: whole or not at all, and none over another unasked."""
