// Runs before the first paint, so that a dark page never flashes white. Everything else waits for the modules.
(function () {
  var theme = null;
  var language = null;
  try {
    theme = localStorage.getItem("arise.theme");
    language = localStorage.getItem("arise.language");
  } catch {
    // Storage can be switched off; the defaults are fine.
  }
  var dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  if (language) document.documentElement.lang = language;
})();
