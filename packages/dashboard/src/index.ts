export { builtDashboard, type DashboardFile } from "./built-dashboard.ts";
