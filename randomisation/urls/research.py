from django.urls import path

from randomisation.views import design
from randomisation.views.research import code_breaks, overview, person

HERE = "<slug:slug>/randomisation/"
ONE = f"{HERE}people/<str:code>/"
AT = f"{ONE}<slug:point>/"
urlpatterns = [
    path(HERE, overview.overview, name="randomisation"),
    path(f"{HERE}design/", design.design, name="design"),
    path(f"{HERE}design/table.csv", design.design_table, name="design_table"),
    path(
        f"{HERE}design/protocol.<slug:language>.<slug:kind>", design.design_text, name="design_text"
    ),
    path(f"{HERE}design/annex/", design.design_annex, name="design_annex"),
    path(f"{HERE}halt/", overview.halt, name="halt"),
    path(f"{HERE}go-on/", overview.go_on, name="go_on"),
    path(f"{HERE}asked/<int:number>/", code_breaks.decide, name="decide"),
    path(f"{HERE}asked/<int:number>/show/", code_breaks.show, name="show_arm"),
    path(f"{HERE}code-breaks/<int:number>/", code_breaks.impact, name="impact"),
    path(ONE, person.person, name="exceptions"),
    path(f"{ONE}same-person/", person.settle, name="settle"),
    path(f"{ONE}force/", person.force, name="force"),
    path(f"{AT}correct/", person.correct, name="correct"),
    path(f"{AT}mark/", person.mark, name="mark"),
    path(f"{AT}ineligible/", person.ineligible, name="ineligible"),
    path(f"{AT}received/", person.received, name="received"),
    path(f"{AT}code-break/", code_breaks.break_code, name="break_code"),
    path(f"{AT}code-break/at-once/", code_breaks.break_at_once, name="break_at_once"),
]
