"""What is said of a design, for people: the names of rules, what figures warn of, and the text for
a protocol.
"""
