/** The package's folder, as seen from src/cli, dist/cli and the bundle dist/cli/main.js alike. */
export const packageFolder = new URL("../../", import.meta.url);
