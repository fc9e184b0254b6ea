// The player's modules run in a browser as they stand; those of the live cells are bundled.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["_build/", ".venv/", ".kernel-lab/"] },
  js.configs.recommended,
  { files: ["book/_live/build.js", "tests/browser/*.js"], languageOptions: { globals: globals.node } },
  { files: ["book/_live/worker.js"], languageOptions: { globals: globals.worker } },
  {
    files: ["gupcore/player/page/*.js", "book/_live/{button,editor,python,solved}.js", "book/_slides/*.js"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["gupcore/player/page/*.js", "book/_{live,slides}/*.js", "tests/browser/*.js"],
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "prefer-const": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-len": ["error", { code: 120 }],
    },
  },
];
