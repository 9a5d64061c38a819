"""What events earn: the rules of a program, and the one pipeline that turns an event into awards."""
