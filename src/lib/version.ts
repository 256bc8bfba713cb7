/** The release, as `--version`, reports and packages name it; a test holds it to package.json. */
export const version = "0.1.0";
