"""The steps of the model, by what they touch: cpu, page_table, struct_page, pagemap, dax."""
