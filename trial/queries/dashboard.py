def panel_recruitment(study, person, at):
    return None


panel_flow = panel_adherence = panel_alerts = panel_recruitment
