from django.db import migrations

import randomisation.models.fields


class Migration(migrations.Migration):
    dependencies = [("randomisation", "0004_stage_decisions")]

    operations = [
        migrations.AlterField("allocation", "probabilities", randomisation.models.fields.SealedJSONField()),
    ]
