"""What programs and their conditions say, in the words of people: Chinese and English."""
