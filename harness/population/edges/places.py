"""Awkward addresses: streets, cities, postcodes and countries."""

from __future__ import annotations

from harness.population.edges.label import fixed, labels

STREETS = labels(
    "street",
    ("slash", "valid", lambda street: f"12/3 {street}",
     "A slash in a house number ends a path segment."),
    ("half", "valid", lambda street: f"12½ {street}",
     "½ is one character, a digit to isnumeric() and none to int()."),
    ("no_number", "valid", fixed("The Old Forge", "The Old Mill"),
     "Villages have houses without numbers."),
    ("box", "valid", fixed("P.O. Box 17", "P.O. Box 18"),
     "A post-office box has no street at all."),
    ("two_lines", "valid", lambda street: f"c/o Miller\n{street}",
     "Two lines in one field: CSV rows, logs and labels break there."),
    ("quotes", "valid", lambda street: f'Haus "Sonne", {street}',
     "Quotation marks end a field in hand-made CSV and JSON."),
    ("semicolon", "valid", lambda street: f"{street}; rear",
     "A semicolon separates CSV in half of Europe, and statements in SQL."),
    ("hash", "valid", lambda street: f"#12-34 {street}",
     "What follows # in a URL is never sent."),
    ("backslash", "valid", lambda street: f"{street} 4\\2",
     "A backslash escapes whatever comes next."),
    ("missing", "invalid", None, "No street, where a letter is to be sent."),
    ("emoji", "invalid", lambda street: f"🏠 {street}",
     "Four bytes and a symbol that no printer of labels has."),
    ("ellipsis", "invalid", lambda street: f"{street[:10]}…",
     "An earlier system cut the value and said so."),
    ("comment", "hostile", lambda street: f"{street} --<!--/*",
     "The beginnings of three kinds of comment."),
    ("very_long", "hostile", lambda street: f"{street} " + "Straße" * 700,
     "4,900 bytes in 4,200 characters."),
)  # fmt: skip

CITIES = labels(
    "city",
    ("one_letter", "valid", fixed("Å", "Y"), "Å in Norway and Y in France are the shortest."),
    ("longest", "valid", fixed("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogoch",
     "Taumatawhakatangihanga"),
     "One word of 58 letters, with nowhere to break the line."),
    ("apostrophe", "valid", fixed("L'Aquila", "L'Isle-d'Abeau"), "An apostrophe inside a word."),
    ("brackets", "valid", lambda city: f"{city} (Saale)", "Brackets tell towns of the same name apart."),
    ("digits", "valid", fixed("6th of October City", "10th of Ramadan City"),
     "A city may begin with a number."),
    ("exclamation", "valid", fixed("Westward Ho!", "Saint-Louis-du-Ha! Ha!"),
     "An exclamation mark is history expansion in a shell."),
    ("cyrillic", "valid", fixed("Йошкар-Ола", "Нью-Йорк"), "Й may be one character or two."),
    ("missing", "invalid", None, "No city, and a label that cannot be printed."),
    ("postcode_inside", "invalid", lambda city: f"{city} 12345", "The postcode was typed into the city."),
)  # fmt: skip

POSTCODES = labels(
    "postcode",
    ("missing", "valid", None, "Many countries have no postcodes; null is right there."),
    ("leading_zero", "valid", fixed("01067", "01069"), "Dresden becomes 1067 where postcodes are numbers."),
    ("inner_space", "valid", fixed("SW1A 1AA", "EC1A 1BB"), "British postcodes have a space and letters."),
    ("plus_four", "valid", fixed("12345-6789", "12345-6780"), "Ten characters, with a hyphen."),
    ("ten_digits", "valid", fixed("1193653471", "1193653472"),
     "Iran has ten digits: over 32 bits as a number, over five letters as a column."),
    ("lost_zero", "invalid", fixed("1067", "1069"), "A spreadsheet dropped the zero."),
    ("decimal", "invalid", "1067.0", "The postcode was a float once."),
    ("letter_o", "invalid", fixed("O1O67", "O1O69"), "The letter O for the digit 0."),
)  # fmt: skip

COUNTRIES = labels(
    "country",
    ("territory", "valid", fixed("GG", "JE"), "Guernsey has a code of its own, and British postcodes."),
    ("user_assigned", "valid", fixed("XK", "XZ"), "Kosovo uses a code that ISO does not list."),
    ("former", "invalid", "AN", "The Netherlands Antilles have been gone since 2010; old rows have not."),
    ("lower_case", "invalid", str.lower, "A lower-case code is not found in a table of codes."),
    ("name", "invalid", "Germany", "A name where a code is expected."),
    ("common_mistake", "invalid", "UK", "UK is not the code of the United Kingdom; GB is."),
    ("missing", "invalid", None, "No country, and no rule applies."),
)  # fmt: skip
