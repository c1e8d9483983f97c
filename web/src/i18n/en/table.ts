export default {
  actions: "Actions",
  as_table: "Show as table",
  choose_all: "Choose all on this page",
  choose_row: "Choose {name}",
  delete_confirm: "Delete",
  delete_differs: "That is not what has to be typed.",
  delete_type: "Type “{name}” to delete",
  page_before: "Page before",
  page_next: "Next page",
  page_of: "{first} to {last} of {total}",
  pages: "Pages",
} as const;
