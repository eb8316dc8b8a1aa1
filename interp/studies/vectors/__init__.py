"""The article's first pages on word vectors: C1 `nearness`, C2 `arithmetic`, C3 `bias`; `own_table` asks a
model's token table the same.
"""
