// The page's modules run in a browser, as they stand: nothing bundles or translates them.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["_build/", ".venv/", ".kernel-lab/"] },
  js.configs.recommended,
  {
    files: ["gupcore/player/page/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "prefer-const": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-len": ["error", { code: 120 }],
    },
  },
];
