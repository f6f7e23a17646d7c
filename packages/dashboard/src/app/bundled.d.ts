// Styles are imported for their effect; the bundler puts them into one file.
declare module "*.css";
/** Put in by the build: the definition of each KPI view, by its name. */
declare const SQL_OF_VIEWS: Readonly<Record<string, string>>;
