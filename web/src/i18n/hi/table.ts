import type english from "../en/table";

export default {
  actions: "कार्रवाई",
  as_table: "तालिका दिखाएँ",
  choose_all: "इस पृष्ठ के सभी चुनें",
  choose_row: "{name} को चुनें",
  delete_confirm: "हटाएँ",
  delete_differs: "यह वह नहीं है जो लिखना है।",
  delete_type: "हटाने के लिए “{name}” लिखें",
  page_before: "पिछला पृष्ठ",
  page_next: "अगला पृष्ठ",
  page_of: "{total} में से {first} से {last}",
  pages: "पृष्ठ",
} satisfies Record<keyof typeof english, string>;
