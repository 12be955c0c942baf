// Where the page's files lie, beside these modules and on their own origin.

export const ASSETS = new URL("./assets/", import.meta.url);
export const VENDOR = new URL("./vendor/", import.meta.url);
