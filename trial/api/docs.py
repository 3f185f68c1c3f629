"""The OpenAPI document and its page to read and try it on. Everything comes from this server."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny


class SchemaView(SpectacularAPIView):
    """Public: it tells how to join, and holds nothing that is anybody's."""

    permission_classes = [AllowAny]


@method_decorator(
    csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch"
)  # Swagger UI sets style attributes
class DocsView(SpectacularSwaggerSplitView):
    """The split view keeps its script in a request of its own, so that no inline script is
    needed.
    """

    url_name = "api:schema"
    permission_classes = [AllowAny]
