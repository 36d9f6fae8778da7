with open("latin.txt", "wb") as file:
    file.write(b"cat\nd\xf6g\n")
with open("zero.txt", "wb") as file:
    file.write(b"cat\ndo\0g\n")
