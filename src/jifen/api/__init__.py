"""HTTP: translates requests into commands and answers into JSON. No rule of the business lives here."""
